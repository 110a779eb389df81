"""What calls cost: estimated before they are sent, billed exactly afterwards, capped, recorded.

`prices` are dated data; `pricing` turns tokens into dollars, `estimate` forecasts a request, `caps`
say how long its answer may be, `budget` reserves and settles it, `ledger` keeps a row for each call
and `receipt` describes one.
"""
