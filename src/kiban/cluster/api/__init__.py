"""The Kubernetes REST API as pure functions: a request is a value, and so is its answer.

`Registry` creates, changes and deletes objects by Kubernetes' rules; controllers use it directly.
`answer` routes a `Request` to it and makes the `Response`.
"""
