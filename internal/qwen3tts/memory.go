package qwen3tts

import (
	"slices"

	mlx "ttsui/mlxbridge"
)

// mostRemembered is how many bytes a model remembers at most: a thousand rows of prompts, about.
const mostRemembered = 128 << 20

// memory remembers what a model computed for generations, for those to come: voices and prompts. It forgets what
// nobody has asked for the longest. It is used on the MLX thread only.
type memory struct {
	most  int // bytes
	bytes int
	items []remembered // the latest used last
}

type remembered struct {
	key   string
	what  interface{ free() error }
	bytes int
}

// recall gives what is remembered under key.
func recall[T any](m *memory, key string) (what T, known bool) {
	i := slices.IndexFunc(m.items, func(r remembered) bool { return r.key == key })
	if i < 0 {
		return what, false
	}
	found := m.items[i]
	m.items = append(slices.Delete(m.items, i, i+1), found)
	what, known = found.what.(T)
	return what, known
}

// keep remembers something that holds arrays, which are computed now. What is too large, or can't be computed, is
// freed instead.
func (m *memory) keep(s *mlx.Scope, key string, what interface{ free() error }, arrays []mlx.Array) {
	s.Eval(arrays...)
	bytes := 0
	for _, a := range arrays {
		size := s.DType(a).Size()
		for _, n := range s.Shape(a) {
			size *= n
		}
		bytes += size
	}
	for len(m.items) > 0 && m.bytes+bytes > m.most {
		s.Fail(m.forget())
	}
	if s.Err() != nil || bytes > m.most {
		s.Fail(what.free())
		return
	}
	m.items = append(m.items, remembered{key, what, bytes})
	m.bytes += bytes
}

// forget frees what was used the longest ago.
func (m *memory) forget() error {
	oldest := m.items[0]
	m.items = slices.Delete(m.items, 0, 1)
	m.bytes -= oldest.bytes
	return oldest.what.free()
}

func (m *memory) free() (err error) {
	for len(m.items) > 0 {
		if e := m.forget(); err == nil {
			err = e
		}
	}
	return err
}
