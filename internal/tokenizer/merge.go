package tokenizer

// merger applies the merges of a vocabulary to one piece after the other. It keeps its memory from piece to piece.
//
// A piece is a linked list of symbols, first one a byte. A queue holds the neighbours that may merge, the lowest
// rank first and the leftmost among equals. A merge changes two pairs of neighbours at most, so a piece of n bytes
// takes O(n log n), where looking for the lowest rank anew after each merge would take O(n²): a text without blanks
// is one piece.
type merger struct {
	vocabulary *Tokenizer
	symbols    []symbol // symbol i begins at byte i of the piece
	queue      queue
}

// symbol is what stands at a byte of the piece. Symbols that a merge has swallowed stay in the slice, out of the list.
type symbol struct {
	id         int32
	prev, next int32 // none at the ends
	rank       int32 // of the merge with next; none when there is no such merge
}

const none = -1

// appendPiece appends the ids of piece.
func (m *merger) appendPiece(ids []int32, piece string) []int32 {
	m.start(piece)
	for len(m.queue) > 0 {
		rank, i := m.queue.pop()
		if m.symbols[i].rank == rank { // else one of the two has been merged with its other neighbour since
			m.merge(i)
		}
	}
	for i := int32(0); i != none; i = m.symbols[i].next {
		ids = append(ids, m.symbols[i].id)
	}
	return ids
}

// start lists the bytes of piece, which is not empty.
func (m *merger) start(piece string) {
	m.symbols = m.symbols[:0]
	for i := range len(piece) {
		m.symbols = append(m.symbols, symbol{
			id:   m.vocabulary.bytes[piece[i]],
			prev: int32(i) - 1,
			next: int32(i) + 1,
		})
	}
	m.symbols[len(piece)-1].next = none
	for i := range m.symbols {
		m.enqueue(int32(i))
	}
}

// merge makes symbol i and its neighbour one.
func (m *merger) merge(i int32) {
	left := &m.symbols[i]
	right := &m.symbols[left.next]
	left.id = m.vocabulary.made[left.rank]
	left.next = right.next
	right.rank = none
	if left.next != none {
		m.symbols[left.next].prev = i
	}
	m.enqueue(i)
	if left.prev != none {
		m.enqueue(left.prev)
	}
}

// enqueue looks up whether symbol i merges with its neighbour, after one of the two is new.
func (m *merger) enqueue(i int32) {
	s := &m.symbols[i]
	s.rank = none
	if s.next == none {
		return
	}
	if rank, ok := m.vocabulary.ranks[pair{s.id, m.symbols[s.next].id}]; ok {
		s.rank = rank
		m.queue.push(rank, i)
	}
}

// queue is a binary heap of ranks and positions, each two packed into one number that sorts by rank, then position.
type queue []uint64

func (q *queue) push(rank, position int32) {
	*q = append(*q, uint64(rank)<<32|uint64(position))
	h := *q
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if h[parent] <= h[i] {
			break
		}
		h[parent], h[i] = h[i], h[parent]
		i = parent
	}
}

func (q *queue) pop() (rank, position int32) {
	h := *q
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	*q = h
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && h[child+1] < h[child] {
			child++
		}
		if h[i] <= h[child] {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	return int32(top >> 32), int32(uint32(top))
}
