package main

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// infoValues gives the keys at the top of a property list with their values as text; true and false are words. Lists and
// dictionaries are passed over. What can't be read has no keys.
func infoValues(text []byte) map[string]string {
	values := map[string]string{}
	key, depth := "", 0
	for dec := xml.NewDecoder(bytes.NewReader(text)); ; {
		token, err := dec.Token()
		if err != nil {
			return values
		}
		switch token := token.(type) {
		case xml.EndElement:
			depth--
		case xml.StartElement:
			depth++
			if depth != 3 {
				continue // 1 is plist, 2 its dict
			}
			depth--
			switch name := token.Name.Local; name {
			case "true", "false":
				values[key] = name
				_ = dec.Skip()
			case "key":
				key = content(dec, token)
			case "string", "integer":
				values[key] = content(dec, token)
			default:
				_ = dec.Skip()
			}
		}
	}
}

// content reads an element to its end and gives its text.
func content(dec *xml.Decoder, start xml.StartElement) string {
	var text string
	_ = dec.DecodeElement(&text, &start)
	return strings.TrimSpace(text)
}
