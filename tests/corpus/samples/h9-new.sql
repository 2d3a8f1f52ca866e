CREATE TABLE a (id integer, name text);
