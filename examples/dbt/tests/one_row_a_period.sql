select project, period, begins, count() as n
from {{ ref('periods') }}
group by project, period, begins
having n != 1
