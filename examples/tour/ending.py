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
    return (
        "What that would have saved you. Someone edited three words of a prompt so that it stopped refusing, and it "
        "read better in every chat they tried. The gate tested it on the same 80 questions as the live release and "
        f"refused it: {happened['Gate: B'].removeprefix('refused; ')}. Without it, customers would have been given "
        "made-up policies with a straight face. Then a release passed every test and was still bad: its index was "
        "five months old, and so was the golden set, so no test could see it. Only the users could. A fifth of them "
        f"met it, and the machine took it back by itself: {happened['Canary: D'].split('; ', 1)[1]}. Without it, "
        "everyone would have been told last June's prices until enough of them complained. And a release that felt "
        "wrong for any other reason was undone with one command, and the log says by whom and why."
    )
