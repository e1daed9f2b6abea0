// Renders a chart as Helm does: Go's text/template with Sprig, which is what Helm's engine is made of, and Helm's own few functions.
// Reads {"files": {path: text}, "context": {...}} and writes {path: text}. GO111MODULE=off: Debian keeps the sources in /usr/share/gocode.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

type input struct {
	Files   map[string]string      `json:"files"`
	Context map[string]interface{} `json:"context"`
}

func main() {
	var in input
	decoder := json.NewDecoder(os.Stdin)
	if err := decoder.Decode(&in); err != nil {
		fail(err)
	}
	root := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	functions["include"] = func(name string, data interface{}) (string, error) {
		var out strings.Builder
		err := root.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	functions["toYaml"] = func(value interface{}) (string, error) {
		var out bytes.Buffer
		encoder := yaml.NewEncoder(&out)
		encoder.SetIndent(2)
		err := encoder.Encode(value)
		return strings.TrimSuffix(out.String(), "\n"), err
	}
	functions["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return value, errors.New(message)
		}
		return value, nil
	}
	root.Funcs(functions)
	for path, text := range in.Files {
		if _, err := root.New(path).Parse(text); err != nil {
			fail(err)
		}
	}
	rendered := map[string]string{}
	for path := range in.Files {
		if strings.Contains(path, "/_") {
			continue
		}
		var out strings.Builder
		if err := root.ExecuteTemplate(&out, path, in.Context); err != nil {
			fail(err)
		}
		text := out.String()
		if strings.Contains(text, "<no value>") {
			fail(fmt.Errorf("%s: a value is missing", path))
		}
		rendered[path] = text
	}
	if err := json.NewEncoder(os.Stdout).Encode(rendered); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
