"""Words for places and activities, for models that choose among labels."""

from __future__ import annotations

PLACES = (
    *("airport", "bakery", "balcony", "bank", "bar", "bathroom", "beach", "bedroom", "bridge", "bus stop"),
    *("canteen", "car park", "church", "cinema", "city street", "classroom", "coast", "construction site", "corridor"),
    *("courtyard", "crossroads", "desert", "factory floor", "farm", "field", "forest", "garage", "garden", "gym"),
    *("harbour", "hospital", "hotel lobby", "kitchen", "laboratory", "lake", "library", "living room", "market"),
    *("meadow", "motorway", "mountains", "museum", "office", "park", "petrol station", "playground", "railway"),
    *("restaurant", "river", "rooftop", "school yard", "shop", "snowy landscape", "sports hall", "stadium", "stage"),
    *("staircase", "supermarket", "swimming pool", "television studio", "train station", "tunnel", "village"),
    *("warehouse", "workshop"),
)
ACTIVITIES = (
    *("applauding", "building", "carrying a load", "celebrating", "cleaning", "climbing", "cooking", "cycling"),
    *("dancing", "drawing", "driving", "eating", "fishing", "flying", "giving a speech", "hiking", "interview"),
    *("jumping", "kissing", "making music", "meeting", "playing football", "reading", "repairing", "riding a horse"),
    *("running", "sailing", "shaking hands", "shopping", "singing", "sitting", "skating", "skiing", "sleeping"),
    *("swimming", "talking on the phone", "teaching", "using a computer", "waiting", "walking", "writing"),
)
TAG_WORDS = (*PLACES, *ACTIVITIES)
