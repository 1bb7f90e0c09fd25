"""The company: a video studio in the cloud that sells renders. Constants only; `scenario.py` puts them on a calendar.

What is strange about it is on purpose and is told in the truth as a story: see `stories.py`.
"""

from __future__ import annotations

__all__ = [
    "CHANNELS",
    "CHANNEL_WEIGHTS",
    "CPU_MS",
    "EGRESS_KB",
    "EGRESS_PERCENT",
    "EVENT_TYPES",
    "ITEM_CENTS",
    "KIND",
    "LATENCY_US",
    "PLANS",
    "PLAN_CPU_PERCENT",
    "PLAN_WEIGHTS",
    "RECORDING_MS",
    "REGIONS",
    "REGION_WEIGHTS",
    "RESOURCES",
    "SLOTS",
    "TAX_PERCENT",
    "TOKENS_IN",
    "TOKENS_OUT",
    "VMS_PER_REGION",
]

PLANS = ("free", "starter", "pro", "team")
PLAN_WEIGHTS = (34, 36, 22, 8)
# Least and range of one item's price; a free order charges nothing.
ITEM_CENTS = ((0, 1), (129, 360), (249, 800), (899, 2900))
PLAN_CPU_PERCENT = (330, 600, 780, 1140)

REGIONS = ("us-east-1", "eu-west-1", "us-west-2", "ap-south-1", "sa-east-1")
REGION_WEIGHTS = (36, 28, 16, 12, 8)
TAX_PERCENT = (0, 20, 0, 18, 9)
# Renders are delivered to sa-east-1 uncompressed and across the sea.
EGRESS_PERCENT = (100, 100, 110, 140, 3600)

CHANNELS = ("web", "ios", "android", "partner")
CHANNEL_WEIGHTS = (52, 23, 17, 8)

VMS_PER_REGION = 4
RESOURCES = tuple(f"vm-{region}-{number + 1}" for region in REGIONS for number in range(VMS_PER_REGION))

# Up to 16 events an order; the slot tells them apart. 1-3 are api.call, 6-8 checkout.attempted.
SLOTS = 16
EVENT_TYPES = (
    "order.placed",
    "api.call",
    "llm.call",
    "risk.checked",
    "checkout.attempted",
    "order.completed",
    "order.failed",
    "payment.settled",
    "order.refunded",
)
KIND = {name: number for number, name in enumerate(EVENT_TYPES)}

# Quantiles 0/16 … 16/16: skewed to the right, as measured work is.
CPU_MS = (
    *(90_000, 260_000, 390_000, 520_000, 660_000, 800_000, 960_000, 1_130_000, 1_330_000),
    *(1_560_000, 1_830_000, 2_170_000, 2_620_000, 3_260_000, 4_300_000, 6_700_000, 19_000_000),
)
EGRESS_KB = (
    *(20_000, 90_000, 140_000, 190_000, 240_000, 300_000, 360_000, 430_000, 510_000),
    *(600_000, 710_000, 850_000, 1_030_000, 1_290_000, 1_720_000, 2_700_000, 8_000_000),
)
LATENCY_US = (
    *(4_000, 18_000, 26_000, 34_000, 42_000, 51_000, 61_000, 73_000, 87_000),
    *(104_000, 126_000, 155_000, 196_000, 258_000, 370_000, 680_000, 9_000_000),
)
TOKENS_IN = (
    *(180, 900, 1_500, 2_200, 3_000, 3_900, 4_900, 6_100, 7_500),
    *(9_200, 11_300, 14_000, 17_600, 22_800, 31_000, 48_000, 160_000),
)
TOKENS_OUT = (
    *(20, 110, 180, 260, 340, 430, 530, 650, 790),
    *(950, 1_150, 1_400, 1_750, 2_250, 3_000, 4_300, 8_000),
)
# From an event to the moment it reached the source, unless it is late.
RECORDING_MS = (
    *(40, 90, 130, 170, 220, 280, 350, 430, 530),
    *(660, 830, 1_060, 1_400, 2_000, 3_300, 9_000, 1_200_000),
)
