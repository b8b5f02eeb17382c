#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
closings.py - the closings of the demo: segments and results as when this kernel plays the same against itself
"""
import concurrent.futures

import common
import closings  # the demo's, which common puts first
import stage


def judged(closing, future):
    def test():
        found = future.result()[2]
        if found:  # again, without the other plays beside it
            concurrent.futures.wait(FUTURES)
            found = stage.again(closing, common.LASTACK)[2]
        if found:
            raise AssertionError("\n".join(found))
    return test


def main():
    common.be_root()
    if common.obstacle():
        common.run({"test_": None})
    order = sorted(closings.CLOSINGS, key=lambda c: "linger 1 3" not in c.steps)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        plays = {c.name: pool.submit(stage.compared, c, common.LASTACK) for c in order}
        FUTURES.extend(plays.values())
        common.run({f"test_{c.name}": judged(c, plays[c.name]) for c in closings.CLOSINGS})


FUTURES = []
main()
