package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(keptStatementsDriver, "file:"+filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	// As the server does.
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	must(t, db, `CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE u (id INTEGER)`)
	for id := 1; id <= 5; id++ {
		must(t, db, `INSERT INTO t VALUES (?, ?)`, id, fmt.Sprint("name ", id))
	}
	return db
}

func must(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

func namesFrom(t *testing.T, rows *sql.Rows, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

const byID = `SELECT name FROM t WHERE id >= ? ORDER BY id`

func TestKeptSameTextOtherArguments(t *testing.T) {
	db := open(t)
	for _, from := range []int{1, 4, 6, 2} {
		rows, err := db.Query(byID, from)
		if names := namesFrom(t, rows, err); len(names) != 6-from {
			t.Errorf("from %d: %v", from, names)
		}
	}
}

func TestKeptSameTextWhileItsRowsAreRead(t *testing.T) {
	db := open(t)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	outer, err := tx.Query(byID, 1)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for outer.Next() {
		seen++
		rows, err := tx.Query(byID, 3)
		if names := namesFrom(t, rows, err); len(names) != 3 {
			t.Errorf("inner: %v", names)
		}
	}
	_ = outer.Close()
	if seen != 5 {
		t.Errorf("outer rows: %d", seen)
	}
}

func TestKeptAfterAnErrorTheSameStatementServes(t *testing.T) {
	db := open(t)
	if _, err := db.Exec(`INSERT INTO t VALUES (?, ?)`, 1, "taken"); !(&dbOfErrors).IsDupEntryError(err) {
		t.Fatalf("expected a duplicate, got %v", err)
	}
	must(t, db, `INSERT INTO t VALUES (?, ?)`, 6, "name 6")
	rows, err := db.Query(byID, 1)
	if names := namesFrom(t, rows, err); len(names) != 6 {
		t.Errorf("%v", names)
	}
}

var dbOfErrors db

func TestKeptGivenUpInTheMiddle(t *testing.T) {
	db := open(t)
	const endless = `WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n`
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		var unused int
		if err := db.QueryRowContext(ctx, endless, 1).Scan(&unused); err == nil {
			t.Fatal("expected it to be given up")
		}
		cancel()
		rows, err := db.Query(byID, 1)
		if names := namesFrom(t, rows, err); len(names) != 5 {
			t.Errorf("%v", names)
		}
	}
}

func TestKeptTablesThatChange(t *testing.T) {
	db := open(t)
	rows, err := db.Query(`SELECT * FROM u WHERE id = ?`, 1)
	if err != nil {
		t.Fatal(err)
	}
	_ = rows.Close()
	must(t, db, `ALTER TABLE u ADD COLUMN further TEXT`)
	must(t, db, `INSERT INTO u VALUES (?, ?)`, 1, "there")
	var id int
	var further string
	if err := db.QueryRow(`SELECT * FROM u WHERE id = ?`, 1).Scan(&id, &further); err != nil || further != "there" {
		t.Errorf("%q, %v", further, err)
	}
}

func TestKeptMoreTextsThanAreKept(t *testing.T) {
	db := open(t)
	for round := range 2 {
		for i := range 2 * statementsKept {
			var n int
			if err := db.QueryRow(fmt.Sprintf(`SELECT ? + %d`, i), round).Scan(&n); err != nil || n != i+round {
				t.Fatalf("%d: %d, %v", i, n, err)
			}
		}
	}
}

func TestKeptRollback(t *testing.T) {
	db := open(t)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(`INSERT INTO t VALUES (?, ?)`, 7, "gone"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query(byID, 6)
	if names := namesFrom(t, rows, err); len(names) != 0 {
		t.Errorf("%v", names)
	}
}
