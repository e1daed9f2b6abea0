{{- define "countersign.name" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "countersign.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "countersign.labels" -}}
{{ include "countersign.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{- define "countersign.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "countersign.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "countersign.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* What the chart sets of countersign.yaml; the rest comes from .Values.config. */ -}}
{{- define "countersign.own" -}}
{{- $files := "/run/countersign/secrets" -}}
{{- $tls := dict "certificate_file" "/run/countersign/tls/tls.crt" "key_file" "/run/countersign/tls/tls.key" -}}
{{- $http := dict "listen" "0.0.0.0:8000" -}}
{{- if .Values.tls.httpBehindProxy -}}
{{- $_ := set $http "behind_tls_proxy" true -}}
{{- else -}}
{{- $_ := set $http "tls" $tls -}}
{{- end -}}
{{- $masters := list -}}
{{- range .Values.secrets.previousMasterKeyKeys -}}
{{- $masters = append $masters (dict "file" (printf "%s/%s" $files .)) -}}
{{- end -}}
{{- $peppers := list -}}
{{- range .Values.secrets.previousPeppers -}}
{{- $peppers = append $peppers (dict "id" .id "pepper" (dict "file" (printf "%s/%s" $files .key))) -}}
{{- end -}}
{{- $keys := dict "pepper" (dict "file" (printf "%s/%s" $files .Values.secrets.pepperKey)) "pepper_id" .Values.secrets.pepperId "previous_peppers" $peppers -}}
{{- $own := dict
  "environment" "production"
  "grpc" (dict "listen" "0.0.0.0:50051" "tls" $tls)
  "http" $http
  "database" (dict "url" (dict "file" (printf "%s/%s" $files .Values.secrets.databaseUrlKey)))
  "master_key" (dict "file" (printf "%s/%s" $files .Values.secrets.masterKeyKey))
  "previous_master_keys" $masters
  "auth" (dict "api_keys" $keys) -}}
{{- if .Values.secrets.redisUrlKey -}}
{{- $_ := set $own "redis" (dict "url" (dict "file" (printf "%s/%s" $files .Values.secrets.redisUrlKey))) -}}
{{- end -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.config) $own) -}}
{{- end -}}
