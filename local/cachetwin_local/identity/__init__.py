"""Who may do what: policies of roles, their evaluation, and the credentials of services and functions. Pure.

`policies` reads documents, `evaluation` decides requests, `conditions` compares, `credentials` makes keys and
`directory` knows which key belongs to whom. Nothing here knows of templates or of what runs.
"""
