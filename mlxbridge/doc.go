// Package mlxbridge is the cgo fence around Apple's MLX: the only place in TTSUI that imports "C" for it.
//
// Everything above works with three things. A Thread is the one OS thread that MLX lives on, because MLX's streams
// belong to the thread that made them; all other calls are made from functions given to Thread.Do. A Scope is an
// arena: it makes arrays, remembers the first error, after which it does nothing more, and frees all it made when it
// is closed. A Held is an array that outlives the scopes: a weight, a cache, a state.
//
// Operations are lazy, as in MLX; Scope.Eval and the reading functions do the work. See README.md for the rules of
// ownership and for how to add an operation.
package mlxbridge
