"""Query parameters that there are not."""

from __future__ import annotations

import pytest

from shared.core.query import refuse_unknown
from shared.errors import InputRefused


def test_an_unknown_query_parameter_is_refused_and_the_functions_key_is_not() -> None:
    refuse_unknown({"path": "x", "code": "key"}, ("path",))

    with pytest.raises(InputRefused, match="'pth' is no query parameter here; there are path"):
        refuse_unknown({"pth": "x"}, ("path",))
    with pytest.raises(InputRefused, match="'pth' is no query parameter here; there are none"):
        refuse_unknown({"pth": "x"}, ())
