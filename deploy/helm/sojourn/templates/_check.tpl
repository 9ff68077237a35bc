{{/* What a schema cannot say well: all that is missing, in one error. */}}
{{- define "sojourn.check" -}}
{{- $v := .Values -}}
{{- $faults := list -}}
{{- range $name, $value := dict "image.repository" $v.image.repository "nats.url" $v.nats.url "temporal.address" $v.temporal.address "clickhouse.url" $v.clickhouse.url "clickhouse.writer.secret" $v.clickhouse.writer.secret "clickhouse.bi.secret" $v.clickhouse.bi.secret -}}
{{- if not $value -}}{{- $faults = append $faults (printf "%s is not set" $name) -}}{{- end -}}
{{- end -}}
{{- if and (not $v.redis.url) (not $v.redis.secret) -}}{{- $faults = append $faults "neither redis.url nor redis.secret is set" -}}{{- end -}}
{{- if and $v.redis.url $v.redis.secret -}}{{- $faults = append $faults "redis.url and redis.secret are both set" -}}{{- end -}}
{{- if and $v.clickhouse.tls.secret (not (hasPrefix "https:" $v.clickhouse.url)) -}}{{- $faults = append $faults "clickhouse.tls.secret is set, but clickhouse.url does not begin with https://" -}}{{- end -}}
{{- if and (contains "," $v.clickhouse.url) (not $v.clickhouse.cluster) -}}{{- $faults = append $faults "clickhouse.url has several addresses, but clickhouse.cluster is not set" -}}{{- end -}}
{{- if and (ne $v.nats.auth.method "none") (not $v.nats.auth.secret) -}}{{- $faults = append $faults "nats.auth.secret is not set" -}}{{- end -}}
{{- range $name, $tls := dict "nats" $v.nats.tls "temporal" $v.temporal.tls -}}
{{- if ne (empty $tls.cert) (empty $tls.key) -}}{{- $faults = append $faults (printf "%s.tls.cert and %s.tls.key must be set together" $name $name) -}}{{- end -}}
{{- end -}}
{{- if $v.dashboard.enabled -}}
{{- if not $v.dashboard.secret -}}{{- $faults = append $faults "dashboard.secret is not set" -}}{{- end -}}
{{- with $v.dashboard.nats -}}
{{- if and .enabled (ne .auth.method "none") (not .auth.secret) -}}{{- $faults = append $faults "dashboard.nats.auth.secret is not set" -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if $faults -}}{{- fail (printf "wrong values: %s" (join "; " $faults)) -}}{{- end -}}
{{- end -}}
