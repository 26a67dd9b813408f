"""Turns results into a Markdown table: every engine, the ratio to restic, target and verdict."""

# The most that salvor may take in proportion to restic, by metric; None: shown, not judged.
RATIO_MAX = {
    ("first", "wall_s"): 0.4,
    ("first", "cpu_s"): None,
    ("first", "rss_bytes"): None,
    ("unchanged-cold", "wall_s"): 0.4,
    ("unchanged-warm", "wall_s"): 0.4,
    ("restore", "wall_s"): 0.5,
    ("restore", "durable_s"): None,
    ("restore", "cpu_s"): None,
    ("restore", "rss_bytes"): None,
    ("repository", "bytes"): 1.05,
}
# One large file: the compressor is the limit for both.
RATIO_MAX_LARGE = {("first", "wall_s"): 0.5, ("restore", "wall_s"): 0.5}
# The most memory that salvor may take, in bytes, whatever the data.
MEMORY_MAX = 256 * 2**20
# The most that the repository may grow, in percent of its size after the first backup.
GROWTH_MAX = {"second-copy": 1.0, "inserted-byte": 1.0}

ROW_NAMES = {
    ("first", "wall_s"): "first backup, cold: time",
    ("first", "cpu_s"): "first backup: CPU time",
    ("first", "rss_bytes"): "first backup: peak memory",
    ("unchanged-cold", "wall_s"): "unchanged backup, cold: time",
    ("unchanged-warm", "wall_s"): "unchanged backup, warm: time",
    ("restore", "wall_s"): "restore, cold: time",
    ("restore", "durable_s"): "restore, cold: time until durable",
    ("restore", "cpu_s"): "restore: CPU time",
    ("restore", "rss_bytes"): "restore: peak memory",
    ("repository", "bytes"): "repository: size",
}
GROWTH_NAMES = {
    "second-copy": "growth by a second copy under another name",
    "inserted-byte": "growth by that copy with a byte put before its head",
}


def shown(metric, value):
    if value is None:
        return "–"
    return f"{value:.2f} s" if metric.endswith("_s") else f"{value / 1e6:.1f} MB"


def verdict(value, limit):
    if value is None:
        return "–"
    return "met" if value <= limit else "**missed**"


def judged(step, metric, ours, ratio, name):
    """(target, verdict) of one row."""
    if metric == "rss_bytes":
        return f"≤ {MEMORY_MAX / 1e6:.1f} MB", verdict(ours, MEMORY_MAX)
    limit = RATIO_MAX[step, metric]
    if name == "large":
        limit = RATIO_MAX_LARGE.get((step, metric), limit)
    return ("", "") if limit is None else (f"≤ {limit:.2f}", verdict(ratio, limit))


def rows_of(dataset, engines, name="tree"):
    """The cells of each row of one dataset's table."""
    for step, metric in RATIO_MAX:
        values = {e: dataset["engines"].get(e, {}).get(step, {}).get(metric) for e in engines}
        if all(value is None for value in values.values()):
            continue
        ours, theirs = values.get("salvor"), values.get("restic")
        ratio = ours / theirs if ours is not None and theirs else None
        yield [ROW_NAMES[step, metric], *(shown(metric, values[e]) for e in engines),
               "–" if ratio is None else f"{ratio:.2f}",
               *judged(step, metric, ours, ratio, name)]
    for what, limit in GROWTH_MAX.items():
        percent = dataset.get("growth_percent", {}).get(what)
        if percent is not None:
            yield [GROWTH_NAMES[what], *(f"{percent:.2f} %" if e == "salvor" else "–"
                                         for e in engines),
                   "–", f"≤ {limit:.2f} %", verdict(percent, limit)]


def table_of(dataset, engines, name="tree"):
    header = ["", *engines, "salvor/restic", "target", ""]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows_of(dataset, engines, name)]
    return "\n".join(lines)


def markdown(results):
    """The whole page. Shape of `results`: as files.py writes it to files.json."""
    machine = results["machine"]
    versions = ", ".join(f"{name}: {text}" for name, text in results["versions"].items())
    parts = ["# Trees of files: salvor, restic and borg", "",
             f"{machine['date']}; {machine['processor']}, {machine['cores']} cores, "
             f"{machine['memory_bytes'] / 2**30:.0f} GiB of memory, Linux {machine['kernel']}, "
             f"{machine['file_system']}. {versions}.", ""]
    if not results["cold"]:
        parts += ["The caches could not be dropped (that needs root): \"cold\" is warm here.", ""]
    if results["small"]:
        parts += ["A small run, to try the benchmark itself: its numbers prove nothing.", ""]
    for name, dataset in results["datasets"].items():
        parts += [f"## {name}", "", f"{dataset['entries']} entries, "
                  f"{dataset['bytes'] / 1e9:.2f} GB of content. Median of {results['repeat']}.", "",
                  table_of(dataset, results["engines"], name), ""]
        if "differences" in dataset:
            parts += ["salvor's restore equals the source." if not dataset["differences"] else
                      f"**salvor's restore differs from the source**: {dataset['differences'][0]}",
                      ""]
    return "\n".join(parts)
