//go:build !darwin

package audio

// converter is empty: there is no program for it that every system has.
const converter = ""
