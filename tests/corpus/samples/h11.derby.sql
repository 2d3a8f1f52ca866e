connect 'jdbc:derby:memory:small;create=true';
create table word (id int primary key, text varchar(20));
insert into word values (1, 'one'), (2, 'two');
select * from word order by id;
exit;
