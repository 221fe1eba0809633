"""ESMA Annex 2: how its fields become loans, months and collateral, and its codes words."""

from portfolio.sources.agencies import in_words, listed
from portfolio.sources.layouts import NO_DATA, Layout
from portfolio.sources.recipe import Recipe, Rule

DEFAULTED = ("DFLT", "NDFT", "DTCR", "DADB", "REDF")
IN_ARREARS = ("ARRE", "RARR")
LEFT = ("REBR", "RERE", "RESS", "REOT")  # repurchased by the seller, not for a default
REDEEMED = "RDMD"
COUNTRIES = {"NL": "Netherlands", "BE": "Belgium", "IT": "Italy", "FR": "France", "DE": "Germany", "ES": "Spain",
             "PT": "Portugal", "IE": "Ireland", "AT": "Austria", "LU": "Luxembourg", "FI": "Finland", "GR": "Greece",
             "EL": "Greece", "GB": "United Kingdom", "UK": "United Kingdom"}  # fmt: skip
RATE_TYPE = {**dict.fromkeys(("FXRL", "FXPR", "FLCF"), "fixed"), "OTHR": "other", "MODE": "other", "SWIC": "other",
             **dict.fromkeys(("FLIF", "FINX", "FLFL", "CAPP", "FLCA", "DISC", "OBLS"), "variable")}  # fmt: skip
CHANNEL = {"BRAN": "branch", "DRCT": "direct", "BROK": "broker", "WEBI": "online", "TPAC": "package",
           "TPTC": "third party", "OTHR": "other"}  # fmt: skip
PURPOSE = {"PURC": "purchase", "RMRT": "remortgage", "RENV": "renovation", "EQRE": "equity release",
           "CNST": "construction", "DCON": "debt consolidation", "RMEQ": "remortgage, equity release",
           "BSFN": "business funding", "CMRT": "combination", "IMRT": "investment", "RGBY": "right to buy",
           "GSPL": "government sponsored", "OTHR": "other"}  # fmt: skip
EMPLOYMENT = {"EMRS": "employed, private", "EMBL": "employed, public", "EMUK": "employed", "UNEM": "unemployed",
              "SFEM": "self-employed", "NOEM": "legal entity", "STNT": "student", "PNNR": "pensioner",
              "OTHR": "other"}  # fmt: skip
AMORTISATION = {"FRXX": "annuity", "DEXX": "german", "FIXE": "linear", "BLLT": "bullet", "OTHR": "other"}
OCCUPANCY = {"FOWN": "owner-occupied", "POWN": "partly let", "TLET": "buy-to-let", "HOLD": "second home",
             "OTHR": "other"}  # fmt: skip
PROPERTY = {"RHOS": "house", "RFLT": "apartment", "RBGL": "bungalow", "RTHS": "terraced house",
            "MULF": "multifamily", "PCMM": "partly commercial", "BIZZ": "commercial", "LAND": "land",
            "OTHR": "other"}  # fmt: skip
ENERGY = {f"EPC{letter}": letter for letter in "ABCDEFG"} | {"OTHR": "other"}
GUARANTEE = {"NGUA": "none", "NHGX": "NHG", "FAML": "family", "IOTH": "individual", "GOVE": "government",
             "BANK": "bank", "INSU": "insurance", "FGAS": "FGAS", "CATN": "caution", "OTHR": "other"}  # fmt: skip
MONTHS = "CASE RREL37 WHEN 'QUTR' THEN 3 WHEN 'SEMI' THEN 6 WHEN 'YEAR' THEN 12 ELSE 1 END"
MIRRORED = ("current_ltv", "original_ltv", "property_value", "nuts", "occupancy", "property_type", "energy_label",
            "guarantee")  # fmt: skip


def _beside(name: str) -> str:
    """Return SQL for a column of the loan's collateral, found by its original number (c) or its new one (d)."""
    return f"coalesce(c.{name}, d.{name})"


def _having(layout: Layout, columns: dict[str, str]) -> dict[str, str]:
    """Return the columns whose fields the file has; NULL for the others."""
    names = set(layout.names)
    words = {name: {word for word in _words(sql) if word.startswith(("RREL", "RREC"))} for name, sql in columns.items()}
    return {name: sql if words[name] <= names else "NULL" for name, sql in columns.items()}


def _words(sql: str) -> set[str]:
    text = "".join(mark if mark.isalnum() or mark == "_" else " " for mark in sql)
    return {word.removeprefix("raw_") for word in text.split()}


def _recipe(table: str, layout: Layout, columns: dict[str, str], rules: tuple[Rule, ...], month: str,
            optional: tuple[str, ...], also: tuple[str, ...] = ()) -> Recipe:  # fmt: skip
    names = set(layout.names)
    kept = tuple(rule for rule in rules if {word for word in _words(rule.broken) if word.startswith("RRE")} <= names)
    return Recipe(table, layout, columns, kept, month=month, optional=frozenset(optional), reasons=NO_DATA, also=also)


def months_recipe(layout: Layout) -> Recipe:
    """Return how an exposure at a cut-off date becomes a row of performance.

    The row is also one of loans: what refuses it there refuses it here, so that a line is kept or refused whole.
    """
    loan = loans_recipe(layout, "")
    left, bad = f"RREL69 IN ({listed(LEFT)})", f"RREL69 IN ({listed(DEFAULTED)})"
    gone = f"RREL69 = '{REDEEMED}'"
    lost = f"({gone} AND RREL73 > 0)" if "RREL73" in layout.names else "false"
    over = f"({gone} AND last_day(RREL6) >= last_day(RREL24))" if "RREL24" in layout.names else "false"
    columns = _having(layout, {
        "loan_id": "RREL2",
        "month": "last_day(RREL6)",
        "months_on_book": "TRY_CAST(datediff('month', RREL23, RREL6) AS SMALLINT)",
        "balance": f"CASE WHEN {gone} THEN coalesce(RREL30, 0) ELSE RREL30 END",
        "rate": "RREL43 / 100",
        "payment": f"RREL39 / ({MONTHS})" if "RREL37" in layout.names else "RREL39",
        "days_past_due": "TRY_CAST(RREL68 AS SMALLINT)",
        "status": f"CASE WHEN {bad} OR {lost} OR RREL68 >= 90 THEN 'default' "
                  f"WHEN RREL69 IN ({listed(IN_ARREARS)}) OR RREL68 > 0 THEN 'arrears' ELSE 'performing' END",
        "event": f"CASE WHEN {lost} THEN 'written off' WHEN {over} THEN 'matured' WHEN {gone} THEN 'prepaid' "
                 f"WHEN {left} THEN 'left' ELSE '' END",
        "prepaid_amount": "NULL::DOUBLE",
        "loss": f"CASE WHEN {lost} THEN RREL73 END" if lost != "false" else "NULL::DOUBLE",
        "removed_balance": f"CASE WHEN {lost} THEN RREL71 END" if lost != "false" else "NULL::DOUBLE",
        "current_ltv": _beside("current_ltv"),
    })  # fmt: skip
    rules: tuple[Rule, ...] = (
        Rule("loan number", "RREL2", "RREL2 IS NULL", "the loan's number is missing"),
        Rule("month", "RREL6", "raw_RREL6 IS NULL", "the cut-off date is missing"),
        Rule("negative", "RREL30", "RREL30 < 0", "a balance cannot be negative"),
        Rule("balance", "RREL30", f"RREL30 IS NULL AND NOT {gone} AND NOT {left}", "the balance is missing"),
        Rule(
            "arrears",
            "RREL68",
            "RREL68 IS NULL OR RREL68 NOT BETWEEN 0 AND 32000",
            "the days in arrears are missing or not from 0 to 32,000",
        ),
        Rule("status", "RREL69", "RREL69 IS NULL", "the account status is missing"),
    )
    also = tuple(item.name for item in loan.used())
    every = (*rules, *(rule for rule in loan.rules if rule not in rules))
    return _recipe("performance", layout, columns, every, "last_day(RREL6)",
                   ("RREL71", "RREL73", "RREL24", "RREL23", "RREL37"), also)  # fmt: skip


def loans_recipe(layout: Layout, pool: str) -> Recipe:
    """Return how an exposure becomes a row of loans; `pool` is the one that the file's name says."""
    income = "RREL16 + coalesce(RREL20, 0)" if "RREL20" in layout.names else "RREL16"
    nuts = f"coalesce({_beside('nuts')}, RREL11)" if "RREL11" in layout.names else _beside("nuts")
    places = [f"left({nuts}, 2)", *(name for name in ("RREL81", "RREL84") if name in layout.names)]
    columns = _having(layout, {
        "loan_id": "RREL2",
        "borrower_id": "RREL4",
        "origination_date": "RREL23",
        "maturity_date": "RREL24",
        "term_months": "TRY_CAST(RREL25 AS SMALLINT)",
        "original_balance": "RREL29",
        "property_value": _beside("property_value"),
        "original_ltv": _beside("original_ltv"),
        "income": income,
        "debt_to_income": "RREL40 / 100",
        "country": in_words(f"coalesce({', '.join(places)})", COUNTRIES),
        "region": f"left({nuts}, 4)",
        "nuts": nuts,
        "channel": in_words("RREL26", CHANNEL),
        "occupancy": _beside("occupancy"),
        "property_type": _beside("property_type"),
        "purpose": in_words("RREL27", PURPOSE),
        "rate_type": in_words("RREL42", RATE_TYPE),
        "amortisation": in_words("RREL35", AMORTISATION),
        "energy_label": _beside("energy_label"),
        "guarantee": _beside("guarantee"),
        "employment": in_words("RREL13", EMPLOYMENT),
        "seller": "RREL82",
        "pool": f"'{pool.replace(chr(39), '')}'",
    })  # fmt: skip
    rules = (
        Rule("loan number", "RREL2", "RREL2 IS NULL", "the loan's number is missing"),
        Rule("negative", "RREL29", "RREL29 < 0", "an amount granted cannot be negative"),
        Rule("negative", "RREL16", "RREL16 < 0", "an income cannot be negative"),
        Rule("dates", "RREL24", "RREL24 <= RREL23", "matures before it is granted"),
    )
    also = ("RREL3",) if "RREL3" in layout.names else ()
    return _recipe("loans", layout, columns, rules, "last_day(RREL6)", ("RREL20", "RREL81", "RREL84"), also)


def collateral_recipe(layout: Layout) -> Recipe:
    """Return how a row of collateral becomes what stands beside its loan."""
    columns = _having(layout, {
        "loan": "RREC2",
        "lien": "RREC8",
        "value": "RREC13",
        "current_ltv": "RREC12 / 100",
        "original_ltv": "RREC16 / 100",
        "property_value": "RREC17",
        "nuts": "RREC6",
        "occupancy": in_words("RREC7", OCCUPANCY),
        "property_type": in_words("RREC9", PROPERTY),
        "energy_label": in_words("RREC10", ENERGY),
        "guarantee": in_words("RREC23", GUARANTEE),
    })  # fmt: skip
    rules = (
        Rule("loan number", "RREC2", "RREC2 IS NULL", "the loan's number is missing"),
        Rule("negative", "RREC12", "RREC12 < 0", "a loan-to-value ratio cannot be negative"),
        Rule("negative", "RREC17", "RREC17 < 0", "a value cannot be negative"),
    )
    dated = "TRY_CAST(Pool_Cutoff_Date AS DATE)" if "Pool_Cutoff_Date" in layout.names else "NULL::DATE"
    return _recipe("collateral", layout, columns, rules, f"last_day({dated})", ("RREC8", "RREC13"))
