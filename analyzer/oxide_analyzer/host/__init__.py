"""What ordinary Python does with buffers, streams, operations and launches: `findings`.

    b = oxide.zeros(100, f32)        a buffer of 100 elements
    step[4, 32](b, b)                one buffer, written and read                      OX108
    b.free()
    b.numpy()                        freed two lines above                             OX501

The code is followed statement by statement and never run. What is said holds on every way that
leads to the place: where ways meet, only what all of them have in common is kept, and of what
nobody knows (arguments, attributes, results of other libraries) nothing is said.

`values` are what names hold, `state` what is known at a place; `flow` follows statements, with
`contexts` for `with` and `try`, and `expressions` what they are made of; `api` knows what Oxide
offers, `foreign` what NumPy and Numba do; `launches` judges a launch, with `conditions` of it.
"""

from oxide_analyzer.host.findings import findings

__all__ = ["findings"]
