"""What Hypothesis draws from: any JSON, and JSON that gets further than noise does."""

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KEYS = (
    "choices delta audio data transcript id expires_at content refusal usage model finish_reason "
    "tool_calls function arguments index name message modality"
)
# The protocol's own names over any value.
NEARLY_CHUNKS = st.recursive(
    JSON,
    lambda inner: (
        st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=5)
        | st.lists(inner, max_size=3)
    ),
    max_leaves=20,
)
