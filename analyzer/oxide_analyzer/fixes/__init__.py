"""What to write into a kernel so that a finding goes away.

A fix is a title and edits of the source. It is made where the finding is, from the IR and the
lines of the kernel (`outline`), in Oxide's own words; `names` puts them into those of the file,
with the imports that they need. A fix that is not certain to help is not offered: a barrier is put
only where uniformity says that all threads of the block come, an element is changed atomically only
if nothing else is done with its array.

    barriers    insert one between two accesses, move one out of a branch, wait for a copy
    atoms       `a[i] += x` as an atomic, a store as an atomic one, an atomic of a wider scope
    guards      a condition round a store, a value in place of a load that is not in bounds
    blocks      leave out a `with unsafe` that lifts nothing
"""
