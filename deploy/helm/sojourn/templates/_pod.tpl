{{/* The spec of a pod of one process. Takes root, kind, and args; what runs on is probed, what ends is not. */}}
{{- define "sojourn.pod" -}}
{{- $v := .root.Values -}}
{{- $kind := .kind -}}
{{- $own := get $v $kind -}}
{{- $kinds := include "sojourn.kinds" .root | fromYaml -}}
{{- $runsOn := hasKey $kinds $kind -}}
{{- $port := (get $kinds $kind | default dict).port -}}
{{- $folders := include "sojourn.folders" (dict "root" .root "kind" $kind) | fromYaml -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $v.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with $v.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $v.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ default 30 $own.terminationGracePeriodSeconds }}
securityContext:
  runAsNonRoot: true
  {{- range $name, $number := $v.user }}
  {{- if not (kindIs "invalid" $number) }}
  {{ $name }}: {{ int64 $number }}
  {{- end }}
  {{- end }}
  seccompProfile: { type: RuntimeDefault }
containers:
  - name: {{ $kind }}
    image: {{ include "sojourn.image" (dict "root" .root "own" (default dict $own.image)) | quote }}
    imagePullPolicy: {{ $v.image.pullPolicy }}
    args: {{ toJson .args }}
    env:
      {{- include "sojourn.env" (dict "root" .root "kind" $kind) | trim | nindent 6 }}
    {{- if $runsOn }}
    ports:
      - { name: health, containerPort: 8092 }
      {{- with $port }}
      - { name: http, containerPort: {{ . }} }
      {{- end }}
    # Listens before it connects to anything; a process that cannot start ends by itself, and says why.
    startupProbe:
      httpGet: { path: /healthz, port: health }
      periodSeconds: 2
      timeoutSeconds: 5
      failureThreshold: 30
    livenessProbe:
      httpGet: { path: /healthz, port: health }
      periodSeconds: 30
      timeoutSeconds: 5
      failureThreshold: 3
    # It asks the servers, and gives each 5 s.
    readinessProbe:
      httpGet: { path: /readyz, port: health }
      periodSeconds: 10
      timeoutSeconds: 8
      failureThreshold: 3
    {{- end }}
    {{- with $own.preStopSeconds }}
    lifecycle:
      preStop:
        exec: { command: [sleep, {{ include "sojourn.text" . | quote }}] }
    {{- end }}
    resources:
      {{- toYaml $own.resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: { drop: [ALL] }
    volumeMounts:
      - { name: tmp, mountPath: /tmp }
      {{- range $folder, $_ := $folders }}
      - { name: {{ $folder }}, mountPath: /etc/sojourn/{{ $folder }}, readOnly: true }
      {{- end }}
volumes:
  - name: tmp
    emptyDir: { sizeLimit: 256Mi }
  {{- range $folder, $secret := $folders }}
  - name: {{ $folder }}
    secret: { secretName: {{ $secret | quote }}, defaultMode: 0440 }
  {{- end }}
{{- if and $runsOn $v.topologySpread.enabled }}
topologySpreadConstraints:
  {{- range $v.topologySpread.keys }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "sojourn.selector" $.root | nindent 8 }}
        app.kubernetes.io/component: {{ $kind }}
  {{- end }}
{{- end }}
{{- range $name := list "nodeSelector" "tolerations" "affinity" }}
{{- with get $own $name }}
{{ $name }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}
