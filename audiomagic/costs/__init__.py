"""What calls cost: known before, exact after, capped, and kept.

`prices` are data; `costs` bills tokens; a `receipt` is one call's. `estimate` says before what
it may be, `budget` whether that is allowed, `ledger` what it was; the `till` does all three, and an
`account` is one call of the user's.
"""
