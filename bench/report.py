"""Turns results into a Markdown table: every engine, the ratio to restic, target and verdict."""

# The most that salvor may take in proportion to restic, by metric.
RATIO_MAX = {
    ("first", "wall_s"): 0.7,
    ("first", "cpu_s"): 1.0,
    ("first", "rss_bytes"): 1.0,
    ("unchanged-cold", "wall_s"): 0.7,
    ("unchanged-warm", "wall_s"): 0.7,
    ("restore", "wall_s"): 0.8,
    ("restore", "durable_s"): 0.8,
    ("restore", "cpu_s"): 1.0,
    ("restore", "rss_bytes"): 1.0,
    ("repository", "bytes"): 1.05,
}
# The most that the repository may grow, in percent of its size after the first backup.
GROWTH_MAX = {"second-copy": 2.0, "inserted-byte": 2.0}

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


def rows_of(dataset, engines):
    """The cells of each row of one dataset's table."""
    for (step, metric), limit in RATIO_MAX.items():
        values = {e: dataset["engines"].get(e, {}).get(step, {}).get(metric) for e in engines}
        if all(value is None for value in values.values()):
            continue
        ours, theirs = values.get("salvor"), values.get("restic")
        ratio = ours / theirs if ours is not None and theirs else None
        yield [ROW_NAMES[step, metric], *(shown(metric, values[e]) for e in engines),
               "–" if ratio is None else f"{ratio:.2f}", f"≤ {limit:.2f}", verdict(ratio, limit)]
    for what, limit in GROWTH_MAX.items():
        percent = dataset.get("growth_percent", {}).get(what)
        if percent is not None:
            yield [GROWTH_NAMES[what], *(f"{percent:.2f} %" if e == "salvor" else "–"
                                         for e in engines),
                   "–", f"≤ {limit:.2f} %", verdict(percent, limit)]


def table_of(dataset, engines):
    header = ["", *engines, "salvor/restic", "target", ""]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows_of(dataset, engines)]
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
                  table_of(dataset, results["engines"]), ""]
        if "differences" in dataset:
            parts += ["salvor's restore equals the source." if not dataset["differences"] else
                      f"**salvor's restore differs from the source**: {dataset['differences'][0]}",
                      ""]
    return "\n".join(parts)
