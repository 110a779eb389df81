"""What calls cost: estimated before they are sent, billed exactly afterwards, capped, recorded.

`pricing` turns tokens into dollars, `transcription` minutes of speech, `estimate` forecasts a
request, `budget` caps, reserves and settles it, `ledger` keeps a row for each call and `receipt`
describes it.
"""
