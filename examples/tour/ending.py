"""The last screen: what happened, where to look, what to try, and what it would have saved."""

from examples.tour.context import CHANNEL, Tour


async def tell(tour: Tour) -> None:
    """Numbers come from the rows the steps left; nothing here is written in advance but the words around them."""
    link = tour.screen.link
    rows = [(row.what, row.happened, link(row.page, f"{tour.url}{row.page}")) for row in tour.rows]
    tour.screen.table("What happened", ("step", "result", f"page, on {tour.url}"), rows)
    tour.screen.paragraph(_saved(tour))
    tour.screen.paragraph(f"Sign in (the link works once): {await tour.client.sign_in.link()}")
    tour.screen.paragraph(
        "What to try next:\n"
        f"  export ASSAY_URL={tour.url} ASSAY_API_KEY=…      the admin key\n"
        f"  assay channel show {CHANNEL}      what is live, since when, by whom, why\n"
        f"  assay promote {tour.releases['C']['id']} --to {CHANNEL} --reason '…'\n"
        f"  assay rollback {CHANNEL} --reason '…'\n"
        "  assay trace list                   then: assay trace show ID\n"
        f"The tour took {tour.screen.elapsed_s:.0f} s."
    )


def _saved(tour: Tour) -> str:
    happened = {row.what: row.happened for row in tour.rows}
    met = tour.canaries["D"]["units"]
    return (
        "What that would have saved you. B is three words in a prompt, changed because customers dislike refusals. No "
        "one who reads it sees the harm; the gate asked the same 80 questions of both releases and refused it: "
        f"{happened['Gate: B'].removeprefix('refused; ')}. Without it, whoever asks what the documents do not answer "
        "would be given an unrelated policy with a straight face. D passed every test and was still bad: its index was "
        "nearly five months old, and the golden set no younger, so no test could see it. Only users could. Of "
        f"{met['baseline'] + met['candidate']} of them {met['candidate']} met D before the machine took it back by "
        f"itself: {happened['Canary: D'].split('; ', 1)[1]}. Without it, all of them would be told the prices and "
        "periods of last June until enough had complained. And whatever else goes wrong with a release is undone by "
        "one command, and the log says by whom and why."
    )
