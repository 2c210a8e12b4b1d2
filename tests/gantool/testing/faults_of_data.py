"""Faults of formats, layouts and tasks: name, the check that finds it, texts of the faultless plugin to replace, and what the message begins with."""

from __future__ import annotations

FAULTS = {
    # Formats
    "a label that is dropped": (
        "format-rows-gives-back-what-it-writes",
        ('[sample.values["age"] for sample in found]', "[0 for sample in found]"),
        "format 'rows': of 5 images it gives 5 back, 1 as they were",
    ),
    "images that are missing": (
        "format-rows-gives-back-what-it-writes",
        ("np.stack([sample.pixels() for sample in found])", "np.stack([sample.pixels() for sample in found[1:]])"),
        "format 'rows': of 5 images it gives 4 back, 0 as they were",
    ),
    "a chunk that is left out": (
        "format-rows-gives-back-what-it-writes",
        ("return [partial(RowImages, file) for", "return [] and [partial(RowImages, file) for"),
        "format 'rows': its chunks hold other images",
    ),
    "images that move": (
        "format-rows-refines-into-a-set-like-the-first",
        ("self.made[item.number] = stored", "self.made[-item.number] = stored"),
        "format 'rows': of 5 refined images 1 are there with their labels",
    ),
    "a traceback for what is damaged": (
        "format-rows-what-is-damaged-is-one-line",
        ("        except (ValueError, KeyError):", "        except KeyError:"),
        "format 'rows': a damaged file raised JSONDecodeError",
    ),
    "damage without a name": (
        "format-rows-what-is-damaged-is-one-line",
        ('GantoolError(f"{place} is damaged")', 'GantoolError("a file is damaged")'),
        "format 'rows': what it says of a damaged file is not one line that names damaged-0.rows: a file is damaged",
    ),
    # Layouts
    "files that are forgotten": (
        "layout-numbered-divides-what-is-there",
        ("return Listing(images, tuple(file for file in files if file not in images))", "return Listing(images, ())"),
        "layout 'numbered': its pictures and other files are [], there are ['a.png', 'deeper/b.jpg', 'deeper/c.json', 'notes.txt']",
    ),
    # Tasks
    "labels that are a traceback": (
        "task-spread-says-in-one-line-what-it-cannot-mean",
        ("return len(shape) == 1", "return shape[0] > 1"),
        "IndexError: tuple index out of range; it must raise GantoolError",
    ),
    "a sum for a mean": (
        "task-spread-figures-are-of-any-set",
        (
            "    def errors(self",
            "    def aggregate(self, statistics, counts):\n        return counts @ statistics\n\n    def errors(self",
        ),
        "task 'spread': a set that has every image twice has another figure than the whole",
    ),
    "one figure for all sets": (
        "task-spread-figures-are-of-any-set",
        (
            "    def errors(self",
            "    def aggregate(self, statistics, counts):\n        return 0 * counts.sum(1) + statistics.max()\n\n    def errors(self",
        ),
        "task 'spread': a set of some images has another figure than these images alone",
    ),
    "a score that is called an error": (
        "task-spread-is-better-when-learnt-by-heart",
        ("(predicted.double() - targets).abs().amax(1)", "-(predicted.double() - targets).abs().amax(1)"),
        "task 'spread': learnt by heart, labels pitch_yaw (12x2 float64) have the figure",
    ),
    "a picture that is drawn upon": (
        "task-spread-pictures-keep-their-size",
        ("drawn = image.copy()", "drawn = image"),
        "task 'spread': picture changes the image that it is given",
    ),
}
