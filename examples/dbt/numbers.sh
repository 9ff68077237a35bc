#!/usr/bin/env bash
# What the model `periods` has of a day and its weeks: examples/dbt/numbers.sh PROJECT DAY, after `dbt build`.
set -euo pipefail
cd "$(dirname "$0")"
project=$1 day=$2
dbt show --quiet --output json --limit 3 --inline "
  select concat(period, ' ', toString(begins), ': sessions ', toString(sessions), ', page views ', toString(page_views),
    ', visitors ', toString(visitors), ', revenue ', toDecimalString(revenue, 9)) as line
  from {{ ref('periods') }}
  where project = '$project'
    and begins = multiIf(period = 'day', toDate('$day'), period = 'week from monday', toMonday(toDate('$day')), toStartOfWeek(toDate('$day')))
  order by period
" | sed -n 's/^ *"line": "\(.*\)"$/\1/p'
