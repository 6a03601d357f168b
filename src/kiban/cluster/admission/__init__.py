"""What happens to an object between a client's wish and the store: it is completed or refused.

Each admission is a function from an `Attempt` and an object to the object, completed; it raises
`Failure` to refuse. The list in `chain` is the order in which they run.
"""
