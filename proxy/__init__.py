"""Sealgate: the gate between an organisation's apps and every LLM.

One request, nine steps (``proxy/flow.py`` runs them, each knows only ports):

1. **admit**      app key, limits; nothing is read before that                        ``server.py auth.py``
2. **parse**      bytes -> segments with location and origin; unreadable = uninspected  ``dialects/``
3. **inspect**    findings per segment, categories for the payload; in worker processes ``inspect.py redaction/``
4. **decide**     ``decide(policy, facts) -> Decision``: a pure function                ``policies/``
5. **route**      one candidate within the ceiling, attested where it must be           ``routing.py upstreams/``
6. **transform**  stand-ins, masks; then the leak guard over the finished bytes         ``redaction/``
7. **record**     the intent is durable before anything leaves                          ``audit/``
8. **send**       the door: a single-use receipt for exactly these bytes                ``egress.py wires.py``
9. **restore**    real values go back into text, tool arguments and streams             ``redaction/restore.py``

Words: a *finding* is a span that never holds text; *uninspected* is what nobody could judge and is never clean; a
*ceiling* is the furthest zone (onprem > enclave > cloud in trust); a *decision* is data with its reasons; a *receipt*
proves that the record of these bytes is durable; a *lease* is a verified binding to an enclave, with an expiry.
"""

__version__ = "0.1.0"
