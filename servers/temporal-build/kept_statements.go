package sqlite

import (
	"container/list"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"modernc.org/sqlite"
)

// The driver below hands a query to the statement that was prepared for its text the first time: the server asks the
// same few dozen questions for as long as it runs, and each was parsed and planned anew, a seventh of its time.
const keptStatementsDriver = "sqlite-kept-statements"

// More texts than the server has of fixed ones; those made for a list of ids go first.
const statementsKept = 256

func init() {
	sql.Register(keptStatementsDriver, keptDriver{})
}

type keptDriver struct{}

// What database/sql asks of a connection beyond the least, as the SQLite driver has it.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// What a statement is used by.
type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func (keptDriver) Open(name string) (driver.Conn, error) {
	conn, err := (&sqlite.Driver{}).Open(name)
	if err != nil {
		return nil, err
	}
	full, ok := conn.(fullConn)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("%s: a connection of the SQLite driver lacks what is needed: %T", keptStatementsDriver, conn)
	}
	return &keptConn{fullConn: full, byText: map[string]*list.Element{}, byUse: list.New()}, nil
}

// Used by one goroutine at a time, as database/sql promises.
type keptConn struct {
	fullConn
	byText map[string]*list.Element
	byUse  *list.List
}

type keptStmt struct {
	fullStmt
	text string
	// Rows are being read from it: whoever asks the same meanwhile needs a statement of its own.
	busy bool
}

func (c *keptConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	// Without arguments it may be a script, of which a statement is but the first.
	if len(args) == 0 {
		return c.fullConn.ExecContext(ctx, query, args)
	}
	kept, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if kept == nil {
		return c.fullConn.ExecContext(ctx, query, args)
	}
	return kept.ExecContext(ctx, args)
}

func (c *keptConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 0 {
		return c.fullConn.QueryContext(ctx, query, args)
	}
	kept, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if kept == nil {
		return c.fullConn.QueryContext(ctx, query, args)
	}
	rows, err := kept.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	kept.busy = true
	return &keptRows{Rows: rows, of: kept}, nil
}

// The statement of a text; none while it is busy.
func (c *keptConn) statement(ctx context.Context, query string) (*keptStmt, error) {
	if element, ok := c.byText[query]; ok {
		kept := element.Value.(*keptStmt)
		if kept.busy {
			return nil, nil
		}
		c.byUse.MoveToFront(element)
		return kept, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	full, ok := prepared.(fullStmt)
	if !ok {
		return nil, prepared.Close()
	}
	c.dropUnused()
	kept := &keptStmt{fullStmt: full, text: query}
	c.byText[query] = c.byUse.PushFront(kept)
	return kept, nil
}

func (c *keptConn) dropUnused() {
	for element := c.byUse.Back(); element != nil && c.byUse.Len() >= statementsKept; {
		before := element.Prev()
		if kept := element.Value.(*keptStmt); !kept.busy {
			c.byUse.Remove(element)
			delete(c.byText, kept.text)
			_ = kept.Close()
		}
		element = before
	}
}

func (c *keptConn) Close() error {
	for element := c.byUse.Front(); element != nil; element = element.Next() {
		_ = element.Value.(*keptStmt).Close()
	}
	c.byUse.Init()
	clear(c.byText)
	return c.fullConn.Close()
}

type keptRows struct {
	driver.Rows
	of *keptStmt
}

func (r *keptRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}
