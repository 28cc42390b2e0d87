"""``fieldsurvey sync policy``: what may be sent to headquarters without anybody asking."""

from pathlib import Path

import click

from fieldsurvey.cli.profile import profile_option
from fieldsurvey.cli.shell import Shell
from fieldsurvey.cli.sync_options import profile_at
from fieldsurvey.model.messages import message
from fieldsurvey.sync.policy import Policy

_BYTES_PER_MB = 1_000_000


@click.command(name="policy")
@click.argument("policy", type=click.Choice([one.value for one in Policy]), required=False)
@click.option(
    "--budget-mb",
    type=click.IntRange(0),
    help="The most to send by itself in a day, retries included; 0: no bound.",
)
@profile_option
@click.pass_obj
def policy_command(
    shell: Shell, policy: str | None, budget_mb: int | None, profile_path: Path | None
) -> None:
    """Say over which links this laptop sends by itself: off, unmetered, any. Without a word, show
    it."""
    profile = profile_at(profile_path)
    enrolment, _ = profile.enrolled()
    chosen = enrolment.policy if policy is None else Policy(policy)
    budget_bytes = (
        enrolment.budget_bytes_per_day if budget_mb is None else budget_mb * _BYTES_PER_MB
    )
    if policy is not None or budget_mb is not None:
        profile.set_policy(chosen, budget_bytes)
    megabytes = f"{budget_bytes / _BYTES_PER_MB:.0f}"
    budget = (
        message("sync.policy_budget", megabytes=megabytes)
        if budget_bytes
        else message("sync.policy_no_budget")
    )
    shell.show(
        message("sync.policy", when=message(f"sync.policy_when_{chosen.value}"), budget=budget)
    )
