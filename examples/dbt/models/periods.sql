{{ config(engine='MergeTree()', order_by='(project, period, begins)') }}

-- Visitors are counted by the views, for each kind of period: they are not sums of days.
{% for period, view, column in [
    ('day', 'overview_daily', 'day'),
    ('week from monday', 'overview_weekly_monday', 'week'),
    ('week from sunday', 'overview_weekly_sunday', 'week'),
] %}
select
    project,
    '{{ period }}' as period,
    {{ column }} as begins,
    sessions,
    page_views,
    visitors,
    revenue
from {{ source('sojourn', view) }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
