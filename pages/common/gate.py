"""The sign-in gate: an access code where HYPOTHEC_ACCESS_CODE is set, open otherwise.

app.py puts the gate at every page's address while it is locked, and each page asks again (through
`shell.open_page`), so that a deep link never shows anything before the code was given.
"""

import hmac
import os
import time

import streamlit as st

VARIABLE = "HYPOTHEC_ACCESS_CODE"
_PASSED = "gate_passed"
SECONDS_AFTER_A_WRONG_CODE = 1.0  # slows guessing down


def is_locked() -> bool:
    """Whether a code is needed and this session has not given it."""
    return bool(os.environ.get(VARIABLE)) and not st.session_state.get(_PASSED)


def ask() -> None:
    """Ask for the code; the right one opens the session."""
    st.header("Hypothec", anchor=False)
    with st.form("gate", width=360):
        given = st.text_input("Access code", type="password")
        if st.form_submit_button("Open", type="primary"):
            if hmac.compare_digest(given.encode(), os.environ[VARIABLE].encode()):
                st.session_state[_PASSED] = True
                st.rerun()
            time.sleep(SECONDS_AFTER_A_WRONG_CODE)
            st.error("That is not the access code. Ask whoever runs this server for it.", icon=":material/lock:")


def require_access() -> None:
    """Stop the page here while the gate is locked."""
    if is_locked():
        ask()
        st.stop()
