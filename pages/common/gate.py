"""The sign-in gate: an access code where HYPOTHEC_ACCESS_CODE is set, open otherwise.

app.py passes every page through it, and each page asks again (through `shell.open_page`), so that a deep link
to a page never shows anything before the code was given.
"""

import hmac
import os
import time

import streamlit as st

VARIABLE = "HYPOTHEC_ACCESS_CODE"
_PASSED = "gate_passed"
SECONDS_AFTER_A_WRONG_CODE = 1.0  # slows guessing down


def require_access() -> None:
    """Stop the page here unless no code is needed or this session has given the right one."""
    wanted = os.environ.get(VARIABLE, "")
    if not wanted or st.session_state.get(_PASSED):
        return
    st.title("Hypothec")
    with st.form("gate", width=360):
        given = st.text_input("Access code", type="password")
        if st.form_submit_button("Open", type="primary"):
            if hmac.compare_digest(given.encode(), wanted.encode()):
                st.session_state[_PASSED] = True
                st.rerun()
            time.sleep(SECONDS_AFTER_A_WRONG_CODE)
            st.error("That is not the access code. Ask whoever runs this server for it.", icon=":material/lock:")
    st.stop()
