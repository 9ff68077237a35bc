{{ config(engine='MergeTree()', order_by='(project, day)') }}

-- Each step is a part of the one before, so every share lies between 0 and 1.
select
    v.project as project,
    v.day as day,
    toInt64(count()) as sessions,
    toInt64(countIf(v.page_views >= 1)) as viewed,
    toInt64(countIf(v.page_views >= 2)) as looked_on,
    toInt64(countIf(v.page_views >= 2 and v.converted)) as bought
from {{ ref('people') }} as v
group by v.project, v.day
