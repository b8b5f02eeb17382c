#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
closings.py - the closings of the demo: segments and results as when this kernel plays the same against itself
"""
import concurrent.futures

import common
import closings  # the demo's, which common puts first
import stage


def play(closing):
    ours, kernel = stage.Arm(closing, common.LASTACK), stage.Arm(closing)
    try:
        ours.play()
        kernel.play()
    except stage.Broken as broken:
        return [str(broken)]
    return stage.differences(ours, kernel)


def judged(closing, future):
    def test():
        # A difference counts when it is seen again, without the other plays beside it.
        if future.result():
            concurrent.futures.wait(FUTURES)
            found = play(closing)
            if found:
                raise AssertionError("\n".join(found))
    return test


def main():
    common.be_root()
    if common.obstacle():
        common.run({"test_": None})
    order = sorted(closings.CLOSINGS, key=lambda c: "linger 1 3" not in c.steps)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        plays = {c.name: pool.submit(play, c) for c in order}
        FUTURES.extend(plays.values())
        common.run({f"test_{c.name}": judged(c, plays[c.name]) for c in closings.CLOSINGS})


FUTURES = []
main()
