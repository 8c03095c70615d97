"""Running the app of cdk.json, and what it was made of."""

from cachetwin_local.synth.synthesis import (
    needs_synth,
    parse_pairs,
    refuse_missing_context,
    synthesise,
    synthesised_assets,
    synthesised_context,
)

__all__ = [
    "needs_synth",
    "parse_pairs",
    "refuse_missing_context",
    "synthesise",
    "synthesised_assets",
    "synthesised_context",
]
