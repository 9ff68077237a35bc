{{ config(materialized='view') }}

select
    project, day, started_at, session_id, first_run_id, visitor, channel, traffic_source, campaign,
    page_views, converted, revenue_by_currency
from {{ source('sojourn', 'visits') }}
where not bot and not excluded
