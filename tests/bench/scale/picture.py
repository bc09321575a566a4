# SPDX-License-Identifier: Apache-2.0
"""Curves over the number of volumes, as an SVG of nothing but lines and texts."""

WIDTH, HEIGHT = 360, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 34, 40
COLOURS = ("#0b6e99", "#c0392b", "#2e8b57", "#8e44ad")


class Panel:
    """One pair of axes.  `curves` is name → [(number of volumes, value)]; `goal` is a line across."""

    def __init__(self, title, unit, curves, goal=None):
        self.title, self.unit, self.curves, self.goal = title, unit, curves, goal
        values = [y for points in curves.values() for _, y in points] + ([goal] if goal else [])
        self.most_x = max(x for points in curves.values() for x, _ in points)
        self.most_y = round_up(max(values) * 1.05)

    def place(self, x, y):
        return (LEFT + x / self.most_x * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - y / self.most_y * (HEIGHT - TOP - BOTTOM))

    def axes(self):
        yield text(LEFT, 16, f"{self.title}, {self.unit}", weight="bold")
        for part in range(5):
            y = self.most_y * part / 4
            left, height = self.place(0, y)
            yield line([(left, height), (WIDTH - RIGHT, height)], "#dddddd")
            yield text(left - 4, height + 4, f"{y:g}", anchor="end")
        for x in (0, self.most_x // 5, self.most_x):
            left, height = self.place(x, 0)
            yield text(left, height + 16, f"{x:,}", anchor="end" if x == self.most_x else "middle")
        yield text(WIDTH - RIGHT, HEIGHT - 6, "volumes in the pool", anchor="end")

    def lines(self):
        for number, (name, points) in enumerate(self.curves.items()):
            colour = COLOURS[number % len(COLOURS)]
            places = [self.place(x, y) for x, y in points]
            yield line(places, colour, 2)
            for x, y in places:
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>'
            yield text(LEFT + 8, TOP + 12 + 14 * number, name, colour=colour)
        if self.goal:
            left, height = self.place(0, self.goal)
            yield line([(left, height), (WIDTH - RIGHT, height)], "#555555", 1, "4 3")
            yield text(WIDTH - RIGHT, height - 4, "goal", anchor="end", colour="#555555")


def round_up(value):
    """To 1, 2, 4 or 8 of a power of ten."""
    power = 1e-6
    while True:
        for step in (1, 2, 4, 8):
            if step * power >= value:
                return step * power
        power *= 10


def text(x, y, words, anchor="start", colour="#222222", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" '
            f'font-weight="{weight}">{words}</text>')


def line(places, colour, width=1, dashes="none"):
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return (f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-dasharray="{dashes}"/>')


def draw(path, panels):
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * len(panels)} '
                     f'{HEIGHT}" font-family="sans-serif" font-size="11">\n'
                     '<rect width="100%" height="100%" fill="white"/>\n')
        for number, panel in enumerate(panels):
            stream.write(f'<g transform="translate({WIDTH * number} 0)">\n')
            stream.writelines(f"{part}\n" for part in [*panel.axes(), *panel.lines()])
            stream.write("</g>\n")
        stream.write("</svg>\n")
