"""The key points: 14 of the 36 that joint_data.mat holds."""

from __future__ import annotations

ALL_JOINTS = 36
EVALUATED = (0, 3, 6, 9, 12, 15, 18, 21, 24, 25, 27, 30, 31, 32)
"""Which of the 36 are compared in the literature, after Tompson et al. (2014)."""

NAMES = (
    *("F1_KNU3_A", "F1_KNU2_B"),  # little finger: tip, middle joint
    *("F2_KNU3_A", "F2_KNU2_B"),  # ring finger
    *("F3_KNU3_A", "F3_KNU2_B"),  # middle finger
    *("F4_KNU3_A", "F4_KNU2_B"),  # index finger
    *("TH_KNU3_A", "TH_KNU3_B", "TH_KNU2_B"),  # thumb: tip, last joint, the one before
    *("PALM_1", "PALM_2", "PALM_3"),  # wrist at the little finger's side, at the thumb's side, palm
)
"""Their names in joint_data.mat, in this order: that of every label of this plugin."""
