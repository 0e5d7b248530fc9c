"""The rules: one number, one kebab name, one module, one page each.

A rule's module says its findings and imports no more than the seams (diagnostics, source, IR):
whoever imports one rule loads this table, so a rule that imported a prover would make a cycle.
To add a rule, import its `RULE` as its number and write the number into `RULES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.rules.ox001_syntax_error import RULE as OX001
from oxide_analyzer.rules.ox002_unsupported_construct import RULE as OX002
from oxide_analyzer.rules.ox003_type_mismatch import RULE as OX003
from oxide_analyzer.rules.ox004_unknown_name import RULE as OX004
from oxide_analyzer.rules.ox005_missing_annotation import RULE as OX005
from oxide_analyzer.rules.ox006_host_object_in_kernel import RULE as OX006
from oxide_analyzer.rules.ox007_recursion import RULE as OX007
from oxide_analyzer.rules.ox101_write_to_read_only_slice import RULE as OX101
from oxide_analyzer.rules.ox102_write_write_race import RULE as OX102
from oxide_analyzer.rules.ox103_read_write_race import RULE as OX103
from oxide_analyzer.rules.ox104_shared_memory_race import RULE as OX104
from oxide_analyzer.rules.ox105_cross_block_race import RULE as OX105
from oxide_analyzer.rules.ox106_mixed_atomic_access import RULE as OX106
from oxide_analyzer.rules.ox107_atomic_scope_too_narrow import RULE as OX107
from oxide_analyzer.rules.ox108_aliased_arguments import RULE as OX108
from oxide_analyzer.rules.ox109_same_value_write import RULE as OX109
from oxide_analyzer.rules.ox201_divergent_barrier import RULE as OX201
from oxide_analyzer.rules.ox202_exit_before_barrier import RULE as OX202
from oxide_analyzer.rules.ox203_divergent_warp_operation import RULE as OX203
from oxide_analyzer.rules.ox204_grid_sync_without_cooperative import RULE as OX204
from oxide_analyzer.rules.ox205_redundant_barrier import RULE as OX205
from oxide_analyzer.rules.ox206_publish_without_fence import RULE as OX206
from oxide_analyzer.rules.ox207_read_before_wait import RULE as OX207
from oxide_analyzer.rules.ox301_out_of_bounds import RULE as OX301
from oxide_analyzer.rules.ox302_unproved_bounds import RULE as OX302
from oxide_analyzer.rules.ox303_uninitialised_read import RULE as OX303
from oxide_analyzer.rules.ox304_shared_memory_overflow import RULE as OX304
from oxide_analyzer.rules.ox305_index_may_wrap import RULE as OX305
from oxide_analyzer.rules.ox306_misaligned_vector_access import RULE as OX306
from oxide_analyzer.rules.ox307_division_by_zero import RULE as OX307
from oxide_analyzer.rules.ox308_assertion_fails import RULE as OX308
from oxide_analyzer.rules.ox401_launch_violates_contract import RULE as OX401
from oxide_analyzer.rules.ox402_inferred_launch_fact import RULE as OX402
from oxide_analyzer.rules.ox403_contradictory_contract import RULE as OX403
from oxide_analyzer.rules.ox404_bad_requirement import RULE as OX404
from oxide_analyzer.rules.ox405_launch_limit_exceeded import RULE as OX405
from oxide_analyzer.rules.ox501_use_after_free import RULE as OX501
from oxide_analyzer.rules.ox502_operation_never_run import RULE as OX502
from oxide_analyzer.rules.ox503_unsynchronised_access import RULE as OX503
from oxide_analyzer.rules.ox504_wrong_device import RULE as OX504
from oxide_analyzer.rules.ox601_uncoalesced_access import RULE as OX601
from oxide_analyzer.rules.ox602_bank_conflict import RULE as OX602
from oxide_analyzer.rules.ox603_divergent_branch import RULE as OX603
from oxide_analyzer.rules.ox604_accidental_f64 import RULE as OX604
from oxide_analyzer.rules.ox605_low_occupancy import RULE as OX605
from oxide_analyzer.rules.ox701_unused_suppression import RULE as OX701
from oxide_analyzer.rules.ox702_unsafe_without_reason import RULE as OX702
from oxide_analyzer.rules.ox703_needless_unsafe import RULE as OX703
from oxide_analyzer.rules.ox704_suppression_without_reason import RULE as OX704
from oxide_analyzer.rules.ox705_unknown_rule_in_suppression import RULE as OX705
from oxide_analyzer.rules.ox901_unproved_race import RULE as OX901
from oxide_analyzer.rules.ox902_unproved_convergence import RULE as OX902
from oxide_analyzer.rules.ox903_unproved_memory import RULE as OX903
from oxide_analyzer.rules.ox999_internal_error import RULE as OX999

if TYPE_CHECKING:
    from oxide_analyzer.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    OX001,
    OX002,
    OX003,
    OX004,
    OX005,
    OX006,
    OX007,
    OX101,
    OX102,
    OX103,
    OX104,
    OX105,
    OX106,
    OX107,
    OX108,
    OX109,
    OX201,
    OX202,
    OX203,
    OX204,
    OX205,
    OX206,
    OX207,
    OX301,
    OX302,
    OX303,
    OX304,
    OX305,
    OX306,
    OX307,
    OX308,
    OX401,
    OX402,
    OX403,
    OX404,
    OX405,
    OX501,
    OX502,
    OX503,
    OX504,
    OX601,
    OX602,
    OX603,
    OX604,
    OX605,
    OX701,
    OX702,
    OX703,
    OX704,
    OX705,
    OX901,
    OX902,
    OX903,
    OX999,
)
"""Every rule, in the order of the numbers."""


def find(code_or_name: str) -> Rule | None:
    """The rule with this number (`OX104`, in any case) or kebab name, or None."""
    wanted = code_or_name.strip().lower()
    for rule in RULES:
        if wanted in (rule.code.lower(), rule.name):
            return rule
    return None


def nearest(code_or_name: str) -> str | None:
    """The number or name that is spelled most like `code_or_name`, for "did you mean"."""
    from difflib import get_close_matches

    wanted = code_or_name.strip().lower()
    codes = {rule.code.lower(): rule.code for rule in RULES}
    names = {rule.name: rule.name for rule in RULES}
    pool = codes if wanted.startswith("ox") and wanted[2:].isdigit() else {**names, **codes}
    close = get_close_matches(wanted, pool, n=1, cutoff=0.4)
    return pool[close[0]] if close else None
