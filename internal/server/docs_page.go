package server

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ttsui/resources"
)

// description is what the page shows of an OpenAPI document.
type description struct {
	Info struct {
		Title, Version, Description string
	}
	Servers    []struct{ URL string }
	Tags       []struct{ Name, Description string }
	Paths      inOrder[inOrder[operation]]
	Components struct {
		Schemas    inOrder[schema]
		Parameters map[string]parameter
		Responses  map[string]answerDoc
	}
	Style template.CSS `yaml:"-"`
}

type operation struct {
	ID                   string `yaml:"operationId"`
	Tags                 []string
	Summary, Description string
	Parameters           []parameter
	RequestBody          struct {
		Content inOrder[media]
	} `yaml:"requestBody"`
	Responses inOrder[answerDoc]
}

type parameter struct {
	Ref                   string `yaml:"$ref"`
	Name, In, Description string
	Required              bool
	Schema                schema
}

type answerDoc struct {
	Ref         string `yaml:"$ref"`
	Description string
	Content     inOrder[media]
}

type media struct {
	Schema  schema
	Example any
}

type schema struct {
	Ref         string `yaml:"$ref"`
	Description string
	Type        any // a name or a list of them
	Const       any
	Enum        []any
	Default     any
	Required    []string
	Properties  inOrder[schema]
	Items       *schema
	AllOf       []schema `yaml:"allOf"`
	OneOf       []schema `yaml:"oneOf"`
}

// inOrder is a mapping whose order counts.
type inOrder[T any] []struct {
	Name  string
	Value T
}

// UnmarshalYAML reads a mapping.
func (m *inOrder[T]) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: not a mapping", node.Line)
	}
	*m = make(inOrder[T], len(node.Content)/2)
	for i := range *m {
		(*m)[i].Name = node.Content[2*i].Value
		if err := node.Content[2*i+1].Decode(&(*m)[i].Value); err != nil {
			return err
		}
	}
	return nil
}

// renderDocs makes the page.
func renderDocs(text string) ([]byte, error) {
	d := description{Style: template.CSS(resources.DocsStyle)}
	if err := yaml.Unmarshal([]byte(text), &d); err != nil {
		return nil, fmt.Errorf("read openapi.yaml: %w", err)
	}
	page, err := template.New("docs").Funcs(template.FuncMap{
		"base":      base,
		"kind":      kind,
		"json":      indented,
		"operation": d.operations,
		"resolve":   d.resolve,
		"answer":    d.answer,
		"shape":     d.shape,
	}).Parse(resources.DocsPage)
	if err != nil {
		return nil, fmt.Errorf("parse docs.html.tmpl: %w", err)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, d); err != nil {
		return nil, fmt.Errorf("render docs: %w", err)
	}
	return b.Bytes(), nil
}

// endpoint is an operation with the place where it is found.
type endpoint struct {
	Method, Path string
	operation
}

// operations lists the endpoints of a tag.
func (d description) operations(tag string) (list []endpoint) {
	for _, p := range d.Paths {
		for _, o := range p.Value {
			if len(o.Value.Tags) > 0 && o.Value.Tags[0] == tag {
				list = append(list, endpoint{strings.ToUpper(o.Name), p.Name, o.Value})
			}
		}
	}
	return list
}

// resolve gives a parameter that is written once for several endpoints.
func (d description) resolve(p parameter) parameter {
	if p.Ref != "" {
		return d.Components.Parameters[base(p.Ref)]
	}
	return p
}

// answer gives an answer that is written once for several endpoints.
func (d description) answer(a answerDoc) answerDoc {
	if a.Ref != "" {
		return d.Components.Responses[base(a.Ref)]
	}
	return a
}

// field is a property as a table shows it.
type field struct {
	Name     string
	Required bool
	Schema   schema
}

// shape lists a schema's fields, those of what it is made of included.
func (d description) shape(s schema) (fields []field) {
	for _, part := range s.AllOf {
		if part.Ref != "" {
			part = d.named(base(part.Ref))
		}
		fields = append(fields, d.shape(part)...)
	}
	for _, p := range s.Properties {
		fields = append(fields, field{p.Name, slices.Contains(s.Required, p.Name), p.Value})
	}
	return fields
}

// named gives a schema that others refer to.
func (d description) named(name string) schema {
	for _, s := range d.Components.Schemas {
		if s.Name == name {
			return s.Value
		}
	}
	return schema{}
}

// base is the last part of a reference.
func base(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// kind says in a word or two what a schema takes, where it is no reference.
func kind(s schema) string {
	switch {
	case s.Const != nil:
		return indented(s.Const)
	case len(s.Enum) > 0:
		var words []string
		for _, v := range s.Enum {
			words = append(words, cmp.Or(fmt.Sprint(v), `""`))
		}
		return strings.Join(words, " | ")
	case s.Items != nil:
		if s.Items.Ref != "" {
			return "list of " + base(s.Items.Ref)
		}
		return "list of " + kind(*s.Items)
	case len(s.OneOf) > 0:
		var words []string
		for _, part := range s.OneOf {
			words = append(words, kind(part))
		}
		return strings.Join(words, " or ")
	}
	if list, ok := s.Type.([]any); ok {
		return strings.TrimSuffix(strings.ReplaceAll(fmt.Sprintln(list...), " ", " or "), "\n")
	}
	return fmt.Sprint(s.Type)
}

// indented writes a value of YAML as JSON.
func indented(v any) string {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}
