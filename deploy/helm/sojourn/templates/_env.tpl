{{/*
What each kind of process is told, in the names of platform/config.ts. No login that it does not need: only the migration
has the administrator's password, only migration and worker the writer's, collect none of ClickHouse.
*/}}
{{- define "sojourn.env" -}}
{{- $v := .root.Values -}}
{{- $kind := .kind -}}
{{- $auth := $v.nats.auth -}}
{{- if eq $kind "dashboard" -}}{{- $auth = $v.dashboard.nats.auth -}}{{- end -}}
{{- if or (ne $kind "dashboard") $v.dashboard.nats.enabled }}
{{- include "sojourn.plain" (list "NATS_URL" $v.nats.url) }}
{{- if eq $auth.method "password" }}
{{- include "sojourn.secret" (list "NATS_USER" $auth.secret $auth.keys.user) }}
{{- include "sojourn.secret" (list "NATS_PASSWORD" $auth.secret $auth.keys.password) }}
{{- else if eq $auth.method "token" }}
{{- include "sojourn.secret" (list "NATS_TOKEN" $auth.secret $auth.keys.token) }}
{{- else if eq $auth.method "creds" }}
{{- include "sojourn.plain" (list "NATS_CREDS" (printf "/etc/sojourn/nats-creds/%s" $auth.keys.creds)) }}
{{- end }}
{{- include "sojourn.files" (list "NATS" "nats-tls" $v.nats.tls) }}
{{- end }}
{{- if or (has $kind (list "migrate" "ingest" "worker")) (and (eq $kind "dashboard") $v.dashboard.temporal.enabled) }}
{{- include "sojourn.plain" (list "TEMPORAL_ADDRESS" $v.temporal.address) }}
{{- include "sojourn.plain" (list "TEMPORAL_NAMESPACE" $v.temporal.namespace) }}
{{- include "sojourn.secret" (list "TEMPORAL_API_KEY" $v.temporal.apiKey.secret $v.temporal.apiKey.key) }}
{{- if $v.temporal.tls.enabled }}
{{- include "sojourn.plain" (list "TEMPORAL_TLS" "true") }}
{{- end }}
{{- include "sojourn.files" (list "TEMPORAL" "temporal-tls" $v.temporal.tls) }}
{{- end }}
{{- if ne $kind "collect" }}
{{- include "sojourn.plain" (list "CLICKHOUSE_URL" $v.clickhouse.url) }}
{{- include "sojourn.plain" (list "CLICKHOUSE_CLUSTER" $v.clickhouse.cluster) }}
{{- $users := dict "migrate" (list "admin" "writer" "bi" "marts") "worker" (list "writer" "bi") "ingest" (list "bi") "dashboard" (list "bi") }}
{{- range get $users $kind }}
{{- $user := get $v.clickhouse . }}
{{- if or $user.secret (eq . "admin") }}
{{- include "sojourn.plain" (list (printf "CLICKHOUSE_%s_USER" (upper .)) $user.user) }}
{{- include "sojourn.secret" (list (printf "CLICKHOUSE_%s_PASSWORD" (upper .)) $user.secret $user.key) }}
{{- end }}
{{- end }}
{{- include "sojourn.files" (list "CLICKHOUSE" "clickhouse-tls" $v.clickhouse.tls) }}
{{- end }}
{{- if has $kind (list "ingest" "worker" "collect") }}
{{- include "sojourn.plain" (list "REDIS_URL" $v.redis.url) }}
{{- include "sojourn.secret" (list "REDIS_URL" $v.redis.secret $v.redis.key) }}
{{- include "sojourn.files" (list "REDIS" "redis-tls" $v.redis.tls) }}
{{- end }}
{{- if ne $kind "migrate" }}
{{- include "sojourn.plain" (list "HEALTH_HOST" "0.0.0.0") }}
{{- end }}
{{- if and $v.traces.endpoint (has $kind (list "ingest" "worker" "collect")) }}
{{- include "sojourn.plain" (list "OTEL_EXPORTER_OTLP_ENDPOINT" $v.traces.endpoint) }}
{{- include "sojourn.secret" (list "OTEL_EXPORTER_OTLP_HEADERS" $v.traces.secret $v.traces.key) }}
{{- include "sojourn.plain" (list "OTEL_SERVICE_NAME" $v.traces.serviceName) }}
{{- end }}
{{- if eq $kind "collect" }}
{{- include "sojourn.plain" (list "COLLECT_HOST" "0.0.0.0") }}
{{- include "sojourn.plain" (list "COLLECT_URL" $v.collect.url) }}
{{- include "sojourn.plain" (list "COLLECT_TRUSTED_PROXIES" (join "," $v.collect.trustedProxies)) }}
{{- end }}
{{- if eq $kind "dashboard" }}
{{- include "sojourn.plain" (list "DASHBOARD_HOST" "0.0.0.0") }}
{{- include "sojourn.secret" (list "DASHBOARD_PASSWORD" $v.dashboard.secret $v.dashboard.key) }}
{{- include "sojourn.plain" (list "DASHBOARD_URL" $v.dashboard.url) }}
{{- include "sojourn.plain" (list "TEMPORAL_UI_URL" $v.temporal.uiUrl) }}
{{- end }}
{{- range $name, $value := $v.settings }}
{{- include "sojourn.plain" (list $name $value) }}
{{- end }}
{{- with (get $v $kind).extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Helm reads a number of a file as a fraction, and would write 1e+06 for a million. */}}
{{- define "sojourn.text" -}}
{{- if kindIs "float64" . -}}{{- int64 . -}}{{- else -}}{{- . -}}{{- end -}}
{{- end -}}

{{/* A variable, where it has a value. */}}
{{- define "sojourn.plain" -}}
{{- $value := include "sojourn.text" (index . 1) }}
{{- if $value }}
- name: {{ index . 0 }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* A variable from a key of a Secret, where there is a Secret. */}}
{{- define "sojourn.secret" -}}
{{- if index . 1 }}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef: { name: {{ index . 1 | quote }}, key: {{ index . 2 | quote }} }
{{- end }}
{{- end -}}

{{/* The files of TLS, by the server's prefix, from the folder that their Secret is mounted on. */}}
{{- define "sojourn.files" -}}
{{- $prefix := index . 0 -}}
{{- $folder := index . 1 -}}
{{- $tls := index . 2 -}}
{{- if $tls.secret }}
{{- range $name := list "ca" "cert" "key" }}
{{- with get $tls $name }}
{{- include "sojourn.plain" (list (printf "%s_TLS_%s" $prefix (upper $name)) (printf "/etc/sojourn/%s/%s" $folder .)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The Secrets with files that a kind of process reads, by the folder that each is mounted on. */}}
{{- define "sojourn.folders" -}}
{{- $v := .root.Values -}}
{{- $kind := .kind -}}
{{- $auth := $v.nats.auth -}}
{{- if eq $kind "dashboard" -}}{{- $auth = $v.dashboard.nats.auth -}}{{- end -}}
{{- if or (ne $kind "dashboard") $v.dashboard.nats.enabled }}
{{- if eq $auth.method "creds" }}
nats-creds: {{ $auth.secret | quote }}
{{- end }}
{{- with $v.nats.tls.secret }}
nats-tls: {{ . | quote }}
{{- end }}
{{- end }}
{{- if or (has $kind (list "migrate" "ingest" "worker")) (and (eq $kind "dashboard") $v.dashboard.temporal.enabled) }}
{{- with $v.temporal.tls.secret }}
temporal-tls: {{ . | quote }}
{{- end }}
{{- end }}
{{- if ne $kind "collect" }}
{{- with $v.clickhouse.tls.secret }}
clickhouse-tls: {{ . | quote }}
{{- end }}
{{- end }}
{{- if has $kind (list "ingest" "worker" "collect") }}
{{- with $v.redis.tls.secret }}
redis-tls: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}
