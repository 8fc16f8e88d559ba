"""The published workloads on every backend, side by side in one run.

    runner.py      one process per workload, backend and repeat, in turn; watches its memory; compares the answers
      arm.py       what runs in that process: a backend, a first small fit, a warm-up, the measured fit
        backends.py    the backends, made ready
        workloads.py   what is fitted, at which size, and how two answers are compared
        ideal.py       as many independent processes as CPUs, each doing its share: the time nothing can beat
        nodes.py       several nodes simulated on this machine, fits replaced by sleeps
    request.py     what is measured, and what came of it
    report.py      medians, ratios, and what they were measured on
    plot.py        the bar chart

A process per measurement, because Ray's own backend rewires joblib for its whole process, and pools that stay warm
would disturb each other.
"""
