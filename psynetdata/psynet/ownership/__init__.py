"""Whose a row is.

A row that names participants, by number or by one of their ids, belongs to them. A row that names nobody follows the
rows that it points to: a process follows its trial, the link of an asset to a trial follows both. A group, or an asset
that is linked to participants, belongs to its members. All other rows belong to nobody: networks, nodes and stimuli
that all share, the experiment itself.

A node follows its network and not the participant that it names: in a chain with several participants, that is the one
whose trial made the chain grow (psynet.trial.chain, grow_network), and the node is the next participant's stimulus.

`owner_columns` reads this rule from the roles of columns. `selection` keeps or omits the rows of some participants; a
row that names two of them is in the selection of each. `people` returns the one participant of a row, to shift its
times: nobody if a group has several, and a participant's number counts more than an id.
"""
