"""The door to the API: requests and the standard library, no Django, no models.

`Api` speaks the wire, `types` are the plain values that come out, `errors` say what may be done about trouble,
`parsing` reads every dialect. Nobody else in the program knows what the wire looks like.
"""
