"""A day and its weeks in DuckDB, of a Parquet file that ClickHouse writes: python3 with_duckdb.py PROJECT DAY"""

import datetime
import sys
import tempfile

import duckdb

from sojourn_client import around, connect, line_of

# The sessions themselves: with them DuckDB counts the visitors of any days.
VISITS = """
    SELECT day, visitor FROM visits
    WHERE project = {project: String} AND NOT excluded AND day BETWEEN {first: Date} AND {last: Date}
"""
DAILY = """
    SELECT day, sessions, page_views, revenue FROM overview_daily
    WHERE project = {project: String} AND day BETWEEN {first: Date} AND {last: Date}
"""

# date_trunc begins weeks on Monday; a day forth and back makes it Sunday. CAST, since it makes a timestamp of a date.
BEGINS = {
    "day": "day",
    "week from monday": "CAST(date_trunc('week', day) AS DATE)",
    "week from sunday": "CAST(date_trunc('week', day + 1) AS DATE) - 1",
}


def main(project: str, text: str) -> None:
    day = datetime.date.fromisoformat(text)
    client = connect()
    with tempfile.TemporaryDirectory() as folder:
        for name, question in [("daily", DAILY), ("visits", VISITS)]:
            with open(f"{folder}/{name}.parquet", "wb") as file:
                file.write(client.raw_query(question, {"project": project, **around(day)}, fmt="Parquet"))
        for name, begins in BEGINS.items():
            begin, sessions, page_views, revenue = duckdb.execute(
                f"""
                SELECT {begins} AS begins, sum(sessions), sum(page_views), sum(revenue)
                FROM '{folder}/daily.parquet' GROUP BY begins HAVING begins <= $day ORDER BY begins DESC LIMIT 1
                """,
                {"day": day},
            ).fetchone()
            (visitors,) = duckdb.execute(
                f"SELECT count(DISTINCT visitor) FROM '{folder}/visits.parquet' WHERE {begins} = $begins", {"begins": begin}
            ).fetchone()
            print(line_of(name, begin, sessions, page_views, visitors, revenue))


if __name__ == "__main__":
    main(*sys.argv[1:])
