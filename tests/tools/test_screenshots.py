"""The picture of the terminal shows what a terminal would show at the end."""

from tools.screenshots import terminal_text


def test_lines_that_were_drawn_over_are_gone_and_colours_stay() -> None:
    drawn = "start\r\n" + "starting\r\n\x1b[1A\x1b[2K" + "\x1b[32mready\x1b[0m\r\n" + "end\r\n"
    assert terminal_text(drawn) == "start\n\x1b[32mready\x1b[0m\nend\n"


def test_what_hides_and_shows_the_cursor_is_not_text() -> None:
    assert terminal_text("\x1b[?25lready\x1b[?25h\r\n") == "ready\n"
