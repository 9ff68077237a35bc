{{- define "sojourn.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What pods of the release have in common, and their selectors: it must never change. */}}
{{- define "sojourn.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sojourn.labels" -}}
{{ include "sojourn.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The kinds of process that run on, each with its port for others, if it has one. The page has to be one. */}}
{{- define "sojourn.kinds" -}}
ingest: {}
worker: {}
{{- if .Values.collect.enabled }}
collect: { port: 8091 }
{{- end }}
{{- if .Values.dashboard.enabled }}
dashboard: { port: 8090 }
{{- end }}
{{- end -}}

{{/* The image of a process: what it names itself, else that of all. Takes root and own (a map, may be empty). */}}
{{- define "sojourn.image" -}}
{{- $image := .root.Values.image -}}
{{- $repository := default $image.repository .own.repository -}}
{{- /* A tag of its own goes before the digest of all. */ -}}
{{- $digest := ternary .own.digest (default $image.digest .own.digest) (not (empty .own.tag)) -}}
{{- if $digest -}}
{{- printf "%s@%s" $repository $digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion (default $image.tag .own.tag) | toString) -}}
{{- end -}}
{{- end -}}
